@echo off
rem Starts the hub where there is no sh, with the options and files that are given.
node "%~dp0route" %*
